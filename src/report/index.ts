export { figure, htmlDocument, htmlTable, readAssets, type Assets } from './document';
export { escapeHtml, percent } from './html';
export type { ReportOptions } from './report-options';
export { drawThumbnail } from './thumbnail';
export { writeReport } from './write-report';
