/** Whether downloads are disabled: by the option, else by `SEMISUP_OFFLINE` unless empty, 0 or false. */
export function isOffline(option?: boolean): boolean {
  return option ?? !['', '0', 'false'].includes(process.env.SEMISUP_OFFLINE ?? '');
}
