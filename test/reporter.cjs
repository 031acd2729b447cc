// Mocha's spec output, plus the counts as JSON for test/run.mjs.
const { writeFileSync } = require('node:fs');
const Mocha = require('mocha');

module.exports = class extends Mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const target = process.env.GRAMLENS_TEST_REPORT;
      if (target) writeFileSync(target, JSON.stringify({ passed: this.stats.passes, failed: this.stats.failures }));
    });
  }
};
