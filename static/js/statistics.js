// Charts of the statistics page; without them its tables tell the same.
const box = document.querySelector("[data-chart]");
const source = document.getElementById("chart-data");

const colour = (name) => {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  box.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
};

const axis = (extra) => ({
  border: { display: false },
  grid: { color: colour("hair") },
  ticks: { color: colour("ink-muted"), maxRotation: 0, autoSkipPadding: 12 },
  ...extra,
});

const datasets = (told) => [
  ...told.bars.map((bar) => ({
    type: "bar",
    label: bar.label,
    data: bar.values,
    backgroundColor: colour(bar.tone),
    borderRadius: 2,
    maxBarThickness: 32,
    stack: "all",
    order: 2,
  })),
  {
    type: "line",
    label: `${told.line.label}, %`,
    data: told.line.values,
    borderColor: colour("ink-soft"),
    backgroundColor: colour("surface"),
    borderWidth: 1.5,
    pointRadius: told.labels.length > 60 ? 0 : 3,
    yAxisID: "share",
    order: 1,
  },
];

const draw = (told) =>
  new window.Chart(box.querySelector("canvas"), {
    data: { labels: told.labels, datasets: datasets(told) },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      plugins: { legend: { labels: { color: colour("ink-soft"), boxWidth: 10, boxHeight: 10 } } },
      scales: {
        x: axis({ stacked: true, grid: { display: false } }),
        y: axis({ stacked: true, beginAtZero: true, title: { display: true, text: told.unit, color: colour("ink-muted") } }),
        share: axis({ position: "right", min: 0, max: 100, grid: { display: false } }),
      },
    },
  });

if (box && source && window.Chart) {
  const told = JSON.parse(source.textContent);
  box.hidden = false;
  document.querySelector("[data-chart-table]").open = false;
  let chart = draw(told);
  const again = () => {
    chart.destroy();
    chart = draw(told);
  };
  new MutationObserver(again).observe(document.documentElement, { attributes: true });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
}
