// Draws the charts of the report of a training. drawing.js precedes it in the page.
/* global data, percent, colorOf, draw, options, drawAgain */

/** A quantity by epochs, of the training images and of those for the validation. */
function drawCurves(id, title, curves, format) {
  const isBest = (epoch) => epoch === data.bestEpoch;
  draw(id, {
    type: 'line',
    data: {
      labels: data.epochs.map(({ epoch }) => epoch),
      datasets: curves
        .filter(({ values }) => values.some((value) => value !== undefined))
        .map(({ label, values }, i) => ({
          label,
          data: values,
          borderColor: colorOf(i),
          backgroundColor: colorOf(i),
          pointRadius: data.epochs.map(({ epoch }) => (isBest(epoch) ? 6 : 2)),
        })),
    },
    options: options({
      x: { title: 'epoch' },
      y: { title },
      label: ({ dataset, raw }) => `${dataset.label}: ${format(raw)}`,
    }),
  });
}

const valuesOf = (read) => data.epochs.map((epoch) => read(epoch) ?? undefined);

drawAgain(() => {
  drawCurves(
    'loss',
    'loss',
    [
      { label: 'training', values: valuesOf(({ loss }) => loss) },
      { label: 'validation, NLL', values: valuesOf(({ validation }) => validation?.nll) },
    ],
    (value) => value.toFixed(4),
  );
  drawCurves(
    'accuracy',
    'accuracy',
    [
      { label: 'training', values: valuesOf(({ accuracy }) => accuracy) },
      { label: 'validation, top-1', values: valuesOf(({ validation }) => validation?.top1) },
    ],
    (value) => percent(value, 2),
  );
  drawCurves(
    'lr',
    'learning rate',
    [{ label: 'of the last update', values: valuesOf(({ lr }) => lr) }],
    (value) => value.toPrecision(3),
  );
});
