/** Escapes text for HTML, also within quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

/** A share as a percentage. */
export function percent(share: number, digits = 2): string {
  return Number.isNaN(share) ? '–' : `${(100 * share).toFixed(digits)} %`;
}

/** JSON for a script element, which ends at `</script`. NaN becomes null. */
export function embedJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

/** JavaScript for a script element. */
export function embedScript(source: string): string {
  return source.replaceAll(/<\/(script)/gi, '<\\/$1').replace(/\n\/\/# sourceMappingURL=.*/, '');
}
