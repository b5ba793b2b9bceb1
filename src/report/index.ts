export type { ReportOptions } from './report-options';
export { writeReport } from './write-report';
