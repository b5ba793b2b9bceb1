import { basename } from 'node:path';

/** The WordNet IDs of photos of vehicles, and of structures and landscapes, among the 100 shared photos. */
const vehicles = [
  ...['n02860847', 'n03095699', 'n03791053', 'n03868242', 'n04147183', 'n04310018'],
  ...['n04482393', 'n04509417'],
];
const places = [
  ...['n02727426', 'n02894605', 'n03042490', 'n03240683', 'n03457902', 'n03717622', 'n03776460'],
  ...['n04443257', 'n04562935', 'n06874185', 'n09193705', 'n09472597'],
];

/** The kind of object on a photo: `animals`, `vehicles`, `places` or `things` (food, household, clothes). */
export function groupOf(photo: string): string {
  const [wnid] = basename(photo).split('_') as [string];
  if (vehicles.includes(wnid)) return 'vehicles';
  if (places.includes(wnid)) return 'places';
  // The animals of ImageNet come first in WordNet.
  return wnid < 'n02600000' ? 'animals' : 'things';
}
