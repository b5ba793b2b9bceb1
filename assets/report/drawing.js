// What the charts of all reports share. Chart.js precedes it in the page, and the charts follow.
/* global Chart */
/* exported data, percent, colorOf, draw, options, drawAgain */
const data = JSON.parse(document.getElementById('data').textContent);

/** Okabe and Ito's colors, which people with color blindness tell apart. */
const palette = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];
const colorOf = (index) => palette[index % palette.length];

const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;

const charts = [];

function draw(id, configuration) {
  const canvas = document.getElementById(id);
  if (!canvas) return;
  charts.push(new Chart(canvas, configuration));
}

/** The options that all charts share. */
function options({ x, y, label, ...more }) {
  const axis = (title, rest) => ({
    title: { display: true, text: title },
    grid: { color: style('--line') },
    ...rest,
  });
  return {
    animation: false,
    maintainAspectRatio: false,
    scales: { x: axis(x.title, x.axis), y: axis(y.title, y.axis) },
    plugins: {
      legend: { labels: { usePointStyle: true, boxHeight: 7 } },
      tooltip: { callbacks: { label } },
    },
    ...more,
  };
}

/** Draws all charts, and again when the colors change. */
function drawAgain(drawAll) {
  const redraw = () => {
    for (const chart of charts.splice(0)) chart.destroy();
    Chart.defaults.color = style('--text');
    Chart.defaults.font.family = 'system-ui, sans-serif';
    drawAll();
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  redraw();
}
