/**
 * DescribeConfigs: configs of topics, brokers and groups with their source and, if asked, synonyms and documentation.
 */
import { array, boolean, defineApi, int8, int16, int32, string } from '../codec/schema.ts';

export const DescribeConfigs = defineApi({
  key: 32,
  name: 'DescribeConfigs',
  minVersion: 1,
  maxVersion: 4,
  flexibleFrom: 4,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: array(string(), { nullable: true }),
    }),
    includeSynonyms: boolean({ default: false }),
    includeDocumentation: boolean({ since: 3, default: false, ignorable: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      errorCode: int16(),
      errorMessage: string({ nullable: true, default: null }),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string({ nullable: true }),
        readOnly: boolean(),
        configSource: int8({ default: -1 }),
        isSensitive: boolean(),
        synonyms: array({ name: string(), value: string({ nullable: true }), source: int8() }),
        configType: int8({ since: 3 }),
        documentation: string({ since: 3, nullable: true }),
      }),
    }),
  },
});
