import type { HeatMap } from '../classify';
import { colorOf, type ColorMap } from './color-map';

/** The height of the caption, relative to the size of its font. */
export const captionLines = 3.4;

const fonts = 'DejaVu Sans, Liberation Sans, Noto Sans, Helvetica, Arial, sans-serif';
/** The average width of a bold letter, relative to the size of the font. */
const letterWidth = 0.64;

/** Draws the caption below an overlay as SVG: the class and its score, and what the colors mean. */
export function captionSvg(
  { class: { label, score }, max }: HeatMap,
  colorMap: ColorMap,
  width: number,
  font: number,
): string {
  const height = Math.round(captionLines * font);
  const margin = font * 0.8;
  const bar = { width: Math.min(width * 0.36, font * 14), height: font * 0.62 };
  const left = width - margin - bar.width;
  const room = left - 2 * margin;
  const title = fit(label, room, font * 1.15);
  const small = font * 0.72;
  const texts = [
    `<text x="${margin}" y="${font * 1.55}" font-size="${title.size}" font-weight="bold" fill="#fff">${escape(title.text)}</text>`,
    `<text x="${margin}" y="${font * 2.65}" font-size="${font * 0.85}" fill="#b8b8c4">${percent(score)}</text>`,
    `<text x="${left}" y="${font * 2.75}" font-size="${small}" fill="#b8b8c4">0</text>`,
    `<text x="${left + bar.width}" y="${font * 2.75}" font-size="${small}" fill="#b8b8c4" text-anchor="end">${max > 0 ? max.toPrecision(2) : '0'}</text>`,
    `<text x="${left + bar.width / 2}" y="${font * 1.05}" font-size="${small}" fill="#b8b8c4" text-anchor="middle">class activation</text>`,
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="${fonts}">
<defs><linearGradient id="bar">${stops(colorMap)}</linearGradient></defs>
<rect width="100%" height="100%" fill="#15151a"/>
<rect x="${left}" y="${font * 1.35}" width="${bar.width}" height="${bar.height}" rx="${bar.height / 5}" fill="url(#bar)" stroke="#4a4a55" stroke-width="1"/>
${texts.join('\n')}
</svg>`;
}

function stops(colorMap: ColorMap): string {
  return Array.from({ length: 21 }, (_, i) => {
    const color = colorOf(colorMap, i / 20)
      .map(Math.round)
      .join(',');
    return `<stop offset="${i / 20}" stop-color="rgb(${color})"/>`;
  }).join('');
}

function percent(score: number): string {
  return `${(score * 100).toFixed(score < 0.0995 ? 2 : 1)} %`;
}

/** Shrinks a text to a width, down to a half; then shortens it. */
function fit(text: string, width: number, size: number): { text: string; size: number } {
  const letters = Array.from(text);
  const fitting = Math.min(size, width / (letterWidth * Math.max(letters.length, 1)));
  if (fitting >= size / 2) return { text, size: fitting };
  const count = Math.max(1, Math.floor(width / ((letterWidth * size) / 2)) - 1);
  return { text: `${letters.slice(0, count).join('')}…`, size: size / 2 };
}

/** A class may have any name. XML has no control characters. */
function escape(text: string): string {
  return text.replace(/\p{C}/gu, ' ').replace(/[<>&"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
