// Entry of dist/statistics.js, a worker thread that computes one tensor's statistics at a time, so that gigabytes of
// sums do not hold up the extension host. Small on purpose: it starts in the time of a click.

import { parentPort } from 'node:worker_threads';
import { computeTensorStatistics } from '../../checkpoint/tensorStatistics';
import { connect } from '../../protocol/rpc';
import { portChannel } from './channels';
import { openBytes } from './checkpointFile';
import type { StatisticsCalls, StatisticsHostCalls } from './statisticsRunner';

/** Between two words about progress. */
const reportEveryMs = 100;

const port = parentPort;
if (port === null) throw new Error('statistics.js runs as a worker thread only');

const local: StatisticsCalls = {
  compute: async (file, entry) => {
    const bytes = openBytes(file);
    let reported = Date.now();
    try {
      return await computeTensorStatistics(await bytes.source(entry.shard), entry, undefined, (fraction) => {
        if (Date.now() - reported < reportEveryMs) return;
        reported = Date.now();
        void remote.progress(fraction);
      });
    } finally {
      await bytes.close();
    }
  },
};
const { remote } = connect<StatisticsCalls, StatisticsHostCalls>(portChannel(port), local);
