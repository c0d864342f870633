import { expect, test } from 'vitest';
import { failbackLines } from './failback.ts';
import { planLines } from './failover.ts';

test('a plan tells what is missing, who reads again, who must stop, and what would be done', () => {
  const lines = planLines({
    scope: { kind: 'topic', name: 'orders' },
    to: 'eu-west',
    origins: [{ region: 'us-east', isReachable: false, heardMs: 12_300 }],
    topics: [
      {
        topic: 'orders',
        copy: 'orders',
        from: 'us-east',
        action: 'promote',
        partitions: [
          {
            ...{ partition: 0, copyEnd: 90, sourceEnd: 100, heardMs: 12_300, notCopied: 10, oldestMs: null },
            writers: [{ producerId: 7, agoMs: 3_000 }],
          },
        ],
      },
    ],
    groups: [
      {
        ...{ group: 'billing', state: 'Empty', copy: 'orders', partition: 0 },
        ...{ sourceOffset: 95, targetOffset: 90, rereads: 0 },
      },
    ],
    ...{ loses: 10, unknown: 0, refusal: 'us-east is alive', steps: ['seal the copies'] },
  });
  expect(lines).toEqual([
    'us-east does not answer, last heard of 12.3 s ago',
    '',
    'FROM     PARTITION  ACTION   COPY END  ORIGIN END  HEARD   NOT COPIED  OLDEST',
    'us-east  orders-0   promote  90        100         12.3 s  10          unknown',
    '',
    'GROUP    STATE  PARTITION  AT ORIGIN  HERE  READS AGAIN',
    'billing  Empty  orders-0   95         90    0',
    '',
    'Must stop:',
    '  producer 7 of orders-0 in us-east, 3.0 s ago',
    '',
    '1. seal the copies',
    '',
    'run refuses without --force: us-east is alive',
  ]);
});

test('a fail-back names the topic in which it keeps what only one region has', () => {
  const nameless = { producerId: -1, agoMs: 0 };
  const asked = { writersThere: null };
  const partitions = [
    { partition: 0, cut: 90, localEnd: 95, promotedEnd: 200, aside: 5, writers: [], writersThere: [nameless] },
    {
      partition: 1,
      cut: 4,
      localEnd: 4,
      promotedEnd: 4,
      aside: 0,
      writers: [{ ...nameless, producerId: 7 }],
      ...asked,
    },
  ];
  const topic = { topic: 'orders', from: 'eu-west', asideTopic: 'orders.aside.us-east.2', partitions };
  const scope = { kind: 'topic', name: 'orders' };
  const lines = failbackLines({ scope, to: 'us-east', topics: [topic], aside: 5, refusal: null, steps: ['compare'] });
  expect(lines).toEqual([
    'FROM     PARTITION  SAME UP TO  END IN US-EAST  END THERE  ONLY HERE  KEPT IN',
    'eu-west  orders-0   90          95              200        5          orders.aside.us-east.2',
    'eu-west  orders-1   4           4               4          0          -',
    '',
    'Must stop, or be refused by --force:',
    '  somebody without a producer id of orders-0 in eu-west, now',
    '  producer 7 of orders-1 in us-east, 0.0 s ago',
    '',
    '1. compare',
  ]);
});
