// Draws examples/clock.jpg, the image of the demo: a wall clock lit from the left.
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const width = 720;
const height = 540;

const numerals = Array.from({ length: 12 }, (_, i) => {
  const angle = ((i + 1) * Math.PI) / 6;
  const x = 360 + 137 * Math.sin(angle);
  const y = 262 - 137 * Math.cos(angle) + 14;
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}">${i + 1}</text>`;
}).join('');

const ticks = Array.from({ length: 60 }, (_, i) => {
  const [length, weight] = i % 5 === 0 ? [16, 5] : [8, 2];
  return `<path d="M360 98v${length}" stroke-width="${weight}" transform="rotate(${i * 6} 360 262)"/>`;
}).join('');

const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
  <defs>
    <linearGradient id="wall" x1="0" y1="0" x2="1" y2="1">
      <stop offset="0" stop-color="#d9cdb4"/><stop offset="1" stop-color="#8f8069"/>
    </linearGradient>
    <linearGradient id="rim" x1="0" y1="0" x2="1" y2="1">
      <stop offset="0" stop-color="#9a6a3a"/><stop offset=".5" stop-color="#5a3717"/>
      <stop offset="1" stop-color="#2b1809"/>
    </linearGradient>
    <radialGradient id="face" cx=".4" cy=".35" r=".8">
      <stop offset="0" stop-color="#fffdf5"/><stop offset="1" stop-color="#d3cbb8"/>
    </radialGradient>
    <filter id="soft"><feGaussianBlur stdDeviation="14"/></filter>
    <filter id="near"><feGaussianBlur stdDeviation="3"/></filter>
  </defs>
  <rect width="100%" height="100%" fill="url(#wall)"/>
  <circle cx="384" cy="292" r="206" fill="#2a2118" opacity=".55" filter="url(#soft)"/>
  <circle cx="360" cy="262" r="204" fill="url(#rim)"/>
  <circle cx="360" cy="262" r="178" fill="#1f1208"/>
  <circle cx="360" cy="262" r="174" fill="url(#face)"/>
  <g stroke="#1c1a18">${ticks}</g>
  <g font-family="serif" font-size="42" font-weight="bold" text-anchor="middle" fill="#1c1a18">${numerals}</g>
  <g transform="translate(5 7)" opacity=".3" filter="url(#near)" stroke="#000" stroke-linecap="round">
    <path d="M360 262L287 218" stroke-width="11"/><path d="M360 262L446 172" stroke-width="7"/>
  </g>
  <g stroke="#14110e" stroke-linecap="round">
    <path d="M371 269L287 218" stroke-width="11"/><path d="M349 274L446 172" stroke-width="7"/>
  </g>
  <path d="M344 312L392 158" stroke="#a3181b" stroke-width="3"/>
  <circle cx="360" cy="262" r="11" fill="#14110e"/>
  <ellipse cx="300" cy="170" rx="92" ry="52" fill="#fff" opacity=".2" transform="rotate(-35 300 170)"/>
</svg>`;

const grain = {
  create: {
    width,
    height,
    channels: 3,
    noise: { type: 'gaussian', mean: 128, sigma: 7 },
  },
};

await sharp(Buffer.from(drawing))
  .flatten()
  .composite([{ input: await sharp(grain).png().toBuffer(), blend: 'soft-light' }])
  .jpeg({ quality: 82 })
  .toFile(fileURLToPath(new URL('clock.jpg', import.meta.url)));
