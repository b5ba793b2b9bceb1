export type { Accuracy, License, ModelCard, Robustness } from './card';
export { describe } from './describe';
export { card, cards, findCard, list } from './find';
