// Counts what the public suite for HTTP caches says, by kind: `node cache-tests.mjs SUITE RESULTS`.
import fs from 'fs'
import { pathToFileURL } from 'url'

// Required by this release of the suite and passed by no good cache, each with its reason. Several are
// older than RFC 9111, which says the opposite; later releases of the suite have them right.
const expected = {
  'age-parse-nonnumeric': 'an invalid Age is ignored (RFC 9111, section 5.1)',
  'age-parse-negative': 'the same',
  'age-parse-float': 'the same',
  'age-parse-prefix-twoline': 'the first Age counts (the same section)',
  'age-parse-dup-0': 'the same',
  'age-parse-dup-0-twoline': 'the same',
  'age-parse-dup-old': 'the same',
  'stale-close-must-revalidate': 'answered 504, as RFC 9111, section 5.2.2.2 asks; this release wants a cut connection',
  'stale-close-proxy-revalidate': 'the same',
  'stale-close-no-cache': 'the same',
  'stale-close-s-maxage=2': 'the same',
  'headers-store-Transfer-Encoding': 'its answer has a transfer coding that does not exist: 502'
}

const [suite, results] = process.argv.slice(2)
const tests = (await import(pathToFileURL(`${suite}/tests/index.mjs`))).default
const outcome = JSON.parse(fs.readFileSync(results))
const counts = {}
const failed = []
for (const test of tests.flatMap(group => group.tests).filter(test => !test.browser_only)) {
  const kind = test.kind || 'required'
  counts[kind] = counts[kind] || { passed: 0, of: 0 }
  counts[kind].of += 1
  if (outcome[test.id] === true) counts[kind].passed += 1
  else if (kind === 'required' && !(test.id in expected)) failed.push(`${test.id}: ${outcome[test.id]}`)
  else if (kind === 'optimal') console.log(`optional, not passed: ${test.id}`)
}
const { required, optimal, check } = counts
console.log(`required: ${required.passed} of ${required.of}; optional: ${optimal.passed} of ${optimal.of}; behaviours looked at: ${check.of}`)
failed.forEach(line => console.error(`FAILED ${line}`))
process.exit(failed.length ? 1 : 0)
