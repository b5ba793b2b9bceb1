/** `2.13` of `2.13.0`: a compiled addon is compatible with all its patch versions. */
export function majorMinor(version: string): string {
  return version.split('.', 2).join('.');
}
