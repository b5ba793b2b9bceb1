interface Report {
  readonly header: { readonly glibcVersionRuntime?: string };
}

/** Whether Node runs on Linux without glibc, i.e. with musl (Alpine), for which LibTorch is not built. */
export function isMusl(platform: string = process.platform, report = readReport): boolean {
  return platform === 'linux' && report().header.glibcVersionRuntime === undefined;
}

function readReport(): Report {
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork: boolean };
  const { excludeNetwork } = report;
  // The report would otherwise look up the host names of all open connections.
  report.excludeNetwork = true;
  try {
    return report.getReport() as unknown as Report;
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}
