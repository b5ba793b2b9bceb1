// Draws the charts of the report of an evaluation. drawing.js precedes it in the page.
/* global data, percent, style, colorOf, draw, options, drawAgain */
const shorten = (label) => (label.length > 24 ? `${label.slice(0, 23)}…` : label);

/** Accuracy against a size of the models, in front of the points of the cards. */
function drawSizes(id, key, title) {
  const point = (model) => ({ x: model[key], y: 100 * model.top1, name: model.name });
  const models = data.models.filter((model) => model[key] !== null);
  draw(id, {
    type: 'scatter',
    data: {
      datasets: [
        ...models.map((model, i) => ({
          label: model.name,
          data: [point(model)],
          backgroundColor: colorOf(i),
          pointRadius: 7,
          pointHoverRadius: 8,
        })),
        {
          label: 'cards: ImageNet',
          data: data.cards.map(point),
          backgroundColor: 'transparent',
          borderColor: style('--dim'),
          borderWidth: 1.5,
        },
      ],
    },
    options: options({
      x: { title, axis: { type: 'logarithmic' } },
      y: { title: 'top-1 accuracy, %' },
      label: ({ raw }) => `${raw.name}: ${raw.y.toFixed(2)} %, ${raw.x}`,
    }),
  });
}

function drawReliability() {
  draw('reliability', {
    type: 'line',
    data: {
      datasets: [
        ...data.models.map((model, i) => ({
          label: `${model.name}, ECE ${percent(model.ece)}`,
          data: model.bins.map((bin) => ({ x: bin.confidence, y: bin.accuracy, count: bin.count })),
          borderColor: colorOf(i),
          backgroundColor: colorOf(i),
          clip: false,
          pointRadius: model.bins.map((bin) => 3 + 7 * Math.sqrt(bin.count / model.images)),
        })),
        {
          label: 'calibrated',
          data: [
            { x: 0, y: 0 },
            { x: 1, y: 1 },
          ],
          borderColor: style('--dim'),
          borderDash: [4, 4],
          borderWidth: 1.5,
          pointRadius: 0,
        },
      ],
    },
    options: options({
      x: { title: 'score', axis: { type: 'linear', min: 0, max: 1 } },
      y: { title: 'share of right answers', axis: { min: 0, max: 1 } },
      label: ({ raw }) =>
        `score ${percent(raw.x)}, right ${percent(raw.y)}${raw.count ? `, ${raw.count} images` : ''}`,
    }),
  });
}

function drawClasses() {
  draw('classes', {
    type: 'bar',
    data: {
      labels: data.classes.map(({ label }) => label),
      datasets: data.models.map((model, i) => ({
        label: model.name,
        data: data.classes.map(({ f1 }) => 100 * f1[i]),
        backgroundColor: colorOf(i),
        minBarLength: 2,
      })),
    },
    options: options({
      x: { title: 'F1, %', axis: { min: 0, max: 100 } },
      y: {
        title: '',
        axis: { ticks: { autoSkip: false, callback: (_, i) => shorten(data.classes[i].label) } },
      },
      label: ({ datasetIndex, dataIndex }) => {
        const { f1, precision, recall, images } = data.classes[dataIndex];
        const i = datasetIndex;
        return `F1 ${percent(f1[i])}, precision ${percent(precision[i])}, recall ${percent(recall[i])}, ${images} images`;
      },
      indexAxis: 'y',
    }),
  });
}

drawAgain(() => {
  drawSizes('parameters', 'parameters', 'parameters, millions');
  drawSizes('gmacs', 'gmacs', 'GMACs per image');
  drawReliability();
  drawClasses();
});
