export { figure, htmlDocument, htmlTable, readAssets } from './document';
export { escapeHtml, percent } from './html';
export type { ReportOptions } from './report-options';
export { writeReport } from './write-report';
