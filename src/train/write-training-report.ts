import { checkPath } from '../options';
import { writeOutput } from '../evaluate';
import { escapeHtml, figure, htmlDocument, htmlTable, percent, readAssets } from '../report';
import type { EpochResult } from './epoch-result';
import type { FinetunedModel } from './train-model';

/**
 * Writes the report of a training as one HTML file, which needs no network: the losses, the accuracies and the learning
 * rate of the epochs as curves and as a table. An existing file is replaced. For the mistakes of the model see
 * `writeReport`, with the `evaluation` of the training.
 *
 * @param path the file to write
 * @param trained of `finetune`
 * @throws EvaluationError if the file cannot be written
 */
export async function writeTrainingReport(path: string, trained: FinetunedModel): Promise<void> {
  checkPath('the path of a report', path);
  const { metadata, epochs, bestEpoch } = trained;
  const html = htmlDocument({
    title: `Training of ${metadata.name}`,
    data: { epochs, bestEpoch },
    assets: await readAssets('training-charts.js'),
    body: `<p>${escapeHtml(summaryOf(trained))}</p>
<h2>Loss</h2>
<p>The loss of the training is measured on augmented images while the weights change, so it may exceed that of the validation. The large points are the best epoch.</p>
${figure('loss', 'Loss by epoch')}
<h2>Accuracy</h2>
${figure('accuracy', 'Accuracy by epoch')}
<h2>Learning rate</h2>
${figure('lr', 'Learning rate by epoch')}
<h2>Epochs</h2>
${htmlTable(['epoch', 'learning rate', 'loss', 'accuracy', 'validation top-1', 'validation NLL'], epochs.map(toRow))}`,
  });
  await writeOutput(path, html);
}

function summaryOf({ metadata, epochs, bestEpoch, completed, evaluation }: FinetunedModel): string {
  const [low, high] = evaluation?.top1.interval ?? [];
  const accuracy = evaluation
    ? ` Its accuracy on ${evaluation.results.length} images is ${percent(evaluation.top1.share)} (95 % interval ${percent(low!)} to ${percent(high!)}).`
    : '';
  const ended = completed ? '' : ' The training was interrupted.';
  return `${metadata.architecture ?? 'A network of your own'}, ${metadata.numClasses} classes. Epoch ${bestEpoch} of ${epochs.length} was written.${accuracy}${ended}`;
}

function toRow({ epoch, lr, loss, accuracy, validation }: EpochResult): string[] {
  return [
    ...[String(epoch), lr.toPrecision(3), loss.toFixed(4), percent(accuracy)],
    ...(validation ? [percent(validation.top1), validation.nll.toFixed(4)] : ['–', '–']),
  ];
}
