const proxies = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/**
 * Sets environment variables for each test of a suite and puts back what was there afterwards. The
 * proxies of the machine are unset, so that local servers are reached.
 */
export function temporaryEnvironment(
  variables: () => Record<string, string | undefined> = () => ({}),
) {
  let before: NodeJS.ProcessEnv;
  beforeEach(() => {
    before = { ...process.env };
    for (const name of proxies) unset(name);
    setEnvironment(variables());
  });
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) unset(name);
    Object.assign(process.env, before);
  });
}

/** Sets variables; those that are undefined are unset. */
export function setEnvironment(variables: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) unset(name);
    else process.env[name] = value;
  }
}

function unset(name: string): void {
  Reflect.deleteProperty(process.env, name);
}
