/** What administrators do in the middle of a storm; it must be as harmless as anything else. */
import { pick } from '../plan.ts';
import type { Fault, FaultEntry } from './fault.ts';

const preferred: Fault = ({ churn }) => {
  churn.electPreferred();
  return undefined;
};

/** Leaders go to and fro: the order of replicas is changed, and the first of them elected. */
const pingPong: Fault = ({ churn, random, region }) => {
  churn.moveLeader(pick(random, region.plan.topics).name);
  return undefined;
};

const reassign: Fault = ({ churn, random, region }) => {
  churn.reassign(pick(random, region.plan.topics).name);
  return undefined;
};

const configs: Fault = ({ churn, random, region }) => {
  churn.changeConfig(pick(random, region.plan.topics));
  return undefined;
};

const topics: Fault = ({ churn }) => {
  churn.createAndDelete();
  return undefined;
};

const voters: Fault = ({ churn, random, region }) => churn.changeVoters(pick(random, region.controllers));

export const CHURN_FAULTS: readonly FaultEntry[] = [
  { name: 'preferred leaders', weight: 2, begin: preferred },
  { name: 'leader ping-pong', weight: 3, begin: pingPong },
  { name: 'reassignment', weight: 3, begin: reassign },
  { name: 'config churn', weight: 2, begin: configs },
  { name: 'topic churn', weight: 2, begin: topics },
  { name: 'voter churn', weight: 1, begin: voters },
];
