const proxies = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];

/**
 * Sets environment variables for each test of a suite and restores the previous ones afterwards.
 * Unsets the proxies, which cannot reach the local test servers.
 */
export function temporaryEnvironment(
  variables: () => Record<string, string | undefined> = () => ({}),
) {
  let previous: NodeJS.ProcessEnv;
  beforeEach(() => {
    previous = { ...process.env };
    for (const name of proxies) unset(name);
    setEnvironment(variables());
  });
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (!(name in previous)) unset(name);
    Object.assign(process.env, previous);
  });
}

/** Sets variables, and unsets those that are undefined. */
export function setEnvironment(variables: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) unset(name);
    else process.env[name] = value;
  }
}

function unset(name: string): void {
  Reflect.deleteProperty(process.env, name);
}
