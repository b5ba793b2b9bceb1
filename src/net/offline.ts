/** Whether nothing may be fetched: by the option, else by `SEMISUP_OFFLINE` set to anything but 0. */
export function isOffline(option?: boolean): boolean {
  return option ?? !['', '0', 'false'].includes(process.env.SEMISUP_OFFLINE ?? '');
}
