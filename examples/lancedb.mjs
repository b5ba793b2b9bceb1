// Copies an image index to a table of LanceDB, for more images than an exact search serves in time, and searches it.
//   npm install semisup @lancedb/lancedb
//   npx semisup index photos
//   node node_modules/semisup/examples/lancedb.mjs photos/.semisup-index photos-database
import { connect, Index, makeArrowTable, VectorColumnOptions } from '@lancedb/lancedb';
import { ImageIndex } from 'semisup';

/** Rows that are in memory at once. */
const rowsPerCall = 2048;
/** LanceDB trains an index on at least this many rows. With fewer, it compares with each. */
const leastForIndex = 256;

const [source, directory] = process.argv.slice(2);
const index = await ImageIndex.open(source);
const ids = index.ids();
const database = await connect(directory);
let table;
for (let first = 0; first < ids.length; first += rowsPerCall) {
  const rows = await Promise.all(ids.slice(first, first + rowsPerCall).map(toRow));
  const vectorColumns = { embedding: new VectorColumnOptions() };
  const data = makeArrowTable(rows, { vectorColumns });
  if (table) await table.add(data);
  else table = await database.createTable('images', data, { mode: 'overwrite' });
}
if (ids.length >= leastForIndex) {
  await table.createIndex('embedding', { config: Index.ivfPq({ distanceType: 'cosine' }) });
}

const query = await index.embedding(ids[0]);
const found = await table
  .vectorSearch(query)
  .column('embedding')
  .distanceType('cosine')
  .refineFactor(10) // compares ten times as many candidates exactly
  .select(['id', 'metadata', '_distance'])
  .limit(5)
  .toArray();
for (const { id, _distance } of found) console.log(`${(1 - _distance).toFixed(4)}  ${id}`);

async function toRow(id) {
  const embedding = await index.embedding(id);
  return { id, embedding, metadata: JSON.stringify(index.metadata(id) ?? {}) };
}
