import { SemisupError } from 'semisup';

/** What the user reads about an error. @param {unknown} error @returns {import('../types.js').Failure} */
export function toFailure(error) {
  if (error instanceof SemisupError) {
    const { what, remedy, code } = error;
    return { message: what, remedy, code };
  }
  return { message: error instanceof Error ? error.message : String(error) };
}
