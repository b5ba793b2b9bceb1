import type { SemisupError } from '../../../src/errors';
import { fetchCheckpoint } from '../../../src/hub/checkpoints';
import type { CheckpointOrigin } from '../../../src/models/checkpoint-origin';

const [source, hubDir] = process.argv.slice(2);
const onWait = () => {
  console.log('waits');
};

fetchCheckpoint(JSON.parse(source!) as CheckpointOrigin, { hubDir, onWait }).then(
  (path) => {
    console.log(path);
  },
  (error: unknown) => {
    console.log((error as SemisupError).message);
  },
);
