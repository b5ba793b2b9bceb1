/** @typedef {Node | string | null | undefined | false} Child */

/**
 * Creates an element. Properties whose names start with `on` are event listeners; others with a dash are attributes.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('on')) {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else if (name.includes('-') || name === 'role') element.setAttribute(name, String(value));
    else Object.assign(element, { [name]: value });
  }
  element.append(...children.filter(isNode));
  return element;
}

/** @param {Child} child @returns {child is Node | string} */
function isNode(child) {
  return child !== null && child !== undefined && child !== false;
}

/** @param {string} id */
export function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {number} value 0 to 1 @param {string} label */
export function bar(value, label) {
  const fill = h('span');
  fill.style.width = `${100 * Math.min(1, Math.max(0, value))}%`;
  return h('span', { className: 'bar', role: 'img', 'aria-label': label }, fill);
}

/** @param {import('../types.js').Progress | undefined} progress */
export function progressBar(progress) {
  if (!progress) return h('progress', { 'aria-label': 'Working' });
  const { phase, received, total } = progress;
  const megabytes = (/** @type {number} */ bytes) => Math.round(bytes / 1e6);
  const amount = total
    ? `${megabytes(received)} of ${megabytes(total)} MB`
    : `${megabytes(received)} MB`;
  const attributes = total ? { max: total, value: received } : {};
  return h(
    'div',
    { className: 'progress' },
    h('progress', { ...attributes, 'aria-label': phase }),
    h('span', {}, `${phase} ${amount}`),
  );
}

/** @param {import('../types.js').Failure} failure @param {string} [title] */
export function errorBox({ message, remedy }, title) {
  return h(
    'div',
    { className: 'error', role: 'alert' },
    title && h('strong', {}, title),
    h('p', {}, message),
    remedy && h('p', { className: 'remedy' }, remedy),
  );
}

/** @param {import('../types.js').Photo} photo @param {string} [alt] */
export function picture({ id, name }, alt = name) {
  const image = h('img', {
    src: `app://photos/${id}`,
    alt,
    loading: 'lazy',
    decoding: 'async',
    draggable: false,
  });
  // Chromium does not display all formats that semisup reads, such as TIFF.
  image.addEventListener('error', () => {
    const type = name.split('.').at(-1) ?? '';
    image.replaceWith(h('span', { className: 'no-preview', title: name }, type.toUpperCase()));
  });
  return image;
}
