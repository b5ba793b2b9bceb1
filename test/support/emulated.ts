/** Whether the tests run in an emulator, in which durations mean nothing. */
export const isEmulated = Boolean(process.env.SEMISUP_TEST_EMULATED);

/** Skips a test that measures time in an emulator, and appends the reason to the title. */
export function skipIfEmulated(test: Mocha.Context): void {
  if (!isEmulated) return;
  test.test!.title += ' (skipped: it measures time, and this processor is emulated)';
  test.skip();
}
