import {
  InfoCard,
  Progress,
  ResponseErrorPanel,
} from '@backstage/core-components';
import { useApi } from '@backstage/core-plugin-api';
import { DEFAULT_NAME } from '@plugin-factory-example/plugin-greetings-common';
import useAsync from 'react-use/esm/useAsync';
import { greetingsApiRef } from '../api/GreetingsApi';

/** Shows one greeting a language. */
export const GreetingsCard = ({ name = DEFAULT_NAME }: { name?: string }) => {
  const greetingsApi = useApi(greetingsApiRef);
  const { value, loading, error } = useAsync(
    () => greetingsApi.greet(name),
    [greetingsApi, name],
  );

  if (loading) {
    return <Progress />;
  }
  if (error) {
    return <ResponseErrorPanel error={error} />;
  }
  return (
    <InfoCard title="From the greetings backend">
      <ul>
        {value?.map(({ language, text }) => (
          <li key={language} lang={language}>
            {text}
          </li>
        ))}
      </ul>
    </InfoCard>
  );
};
