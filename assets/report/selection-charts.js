// Draws the charts of the report of a selection. drawing.js precedes it in the page.
/* global data, percent, colorOf, draw, options, drawAgain */

/** That of the axis, in steps of 5 %. The first ranks have few images: their wide interval may exceed the chart. */
function lowerLimit(points) {
  const isFirst = ({ rank }) => 20 * rank < points.at(-1).rank;
  const lowest = Math.min(...points.map((point) => (isFirst(point) ? point.value : point.low)));
  return Math.max(0, Math.min(0.95, Math.floor(20 * lowest) / 20));
}

/** A quantity by rank, with a band around it. */
function drawRanks(id, color, { points, titles: [line, band], y, describe }) {
  const bound = (key) => points.map((point) => ({ x: point.rank, y: point[key] }));
  const edge = { borderWidth: 0, pointRadius: 0, pointHoverRadius: 0 };
  // An axis from 1 to 1 would have no length.
  const maxRank = Math.max(2, data.ranks.at(-1).rank);
  const all = options({
    x: { title: 'rank', axis: { type: 'linear', min: 1, max: maxRank, ticks: { precision: 0 } } },
    y: {
      title: y,
      axis: {
        min: lowerLimit(points),
        ticks: { callback: (value) => `${Number((100 * value).toFixed(1))} %` },
      },
    },
    label: ({ dataIndex }) => describe(points[dataIndex]),
    interaction: { mode: 'index', axis: 'x', intersect: false },
  });
  all.plugins.legend.labels.filter = ({ text }) => text !== undefined;
  all.plugins.tooltip.filter = ({ datasetIndex }) => datasetIndex === 0;
  all.plugins.tooltip.callbacks.title = () => '';
  draw(id, {
    type: 'line',
    data: {
      datasets: [
        {
          label: line,
          data: bound('value'),
          clip: 4,
          borderColor: color,
          backgroundColor: color,
          pointRadius: points.length > 30 ? 0 : 3,
        },
        { label: band, data: bound('high'), fill: '+1', backgroundColor: `${color}55`, ...edge },
        { data: bound('low'), ...edge },
      ],
    },
    options: all,
  });
}

const classesText = (count) => (count === 1 ? '1 class' : `${count} classes`);

drawAgain(() => {
  drawRanks('precision', colorOf(0), {
    points: data.ranks
      .filter(({ precision }) => precision !== null)
      .map(({ precision, ...point }) => {
        const { share, interval } = precision;
        return { ...point, precision, value: share, low: interval[0], high: interval[1] };
      }),
    titles: ['precision of the first images', '95 % interval'],
    y: 'precision',
    describe: ({ rank, value, low, high, precision, classes }) => [
      `first ${rank} of ${classesText(classes)}: ${percent(value, 2)}`,
      `${precision.correct} of ${precision.total}, 95 % interval ${percent(low, 2)} to ${percent(high, 2)}`,
    ],
  });
  drawRanks('score', colorOf(1), {
    points: data.ranks.map(({ rank, classes, scores: [low, value, high] }) => {
      return { rank, classes, low, value, high };
    }),
    titles: ['median of the classes', 'quartiles'],
    y: 'score',
    describe: ({ rank, value, low, high, classes }) => [
      `rank ${rank} of ${classesText(classes)}: ${percent(value, 2)}`,
      `quartiles ${percent(low, 2)} and ${percent(high, 2)}`,
    ],
  });
});
