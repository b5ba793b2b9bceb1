/** The extensions of the images in a directory. A file given by its own path may have any extension. */
export const imageExtensions: readonly string[] = [
  ...['jpg', 'jpeg', 'jpe', 'jfif', 'png', 'webp', 'gif', 'tif', 'tiff', 'avif'],
  ...['bmp', 'ppm', 'pgm', 'pbm', 'pnm'],
];

const imageName = new RegExp(`\\.(${imageExtensions.join('|')})$`, 'i');

/** Whether a file's name ends in the extension of an image. */
export function isImageName(name: string): boolean {
  return imageName.test(name);
}
