import type { Reporter, TestModule } from 'vitest/node'

/** Closes a run with `N passed, N failed, N skipped` alone on a line, for machines that read the end of a log. */
export default class TotalsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const totals = { passed: 0, failed: 0, skipped: 0 }
    for (const module of modules) {
      let tests = 0
      for (const test of module.children.allTests()) {
        tests++
        const { state } = test.result()
        if (state === 'passed' || state === 'failed') totals[state]++
        else totals.skipped++
      }
      // A file that breaks before its first test has failed as much as a test.
      if (tests === 0 && !module.ok()) totals.failed++
    }
    process.stdout.write(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`)
  }
}
