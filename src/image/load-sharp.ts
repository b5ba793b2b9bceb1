import type sharpType from 'sharp';
import { separateGlib } from './separate-glib';

separateGlib();

// A static import would be evaluated before the call above.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const sharp = require('sharp') as typeof sharpType;
export default sharp;
