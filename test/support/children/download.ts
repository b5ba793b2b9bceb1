import { SemisupError } from '../../../src/errors';
import { download } from '../../../src/net/download';

const [url, file, sha256] = process.argv.slice(2);

download(url!, file!, { sha256: sha256! }).then(
  () => {
    console.log('done');
  },
  (error: unknown) => {
    const { code, message } = error as SemisupError;
    console.log(code, message);
  },
);
