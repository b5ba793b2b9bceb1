export type { SelectionReportOptions, SelectionReportProgress } from './selection-report-options';
export { writeSelectionReport } from './write-selection-report';
