import { Content, Header, Page } from '@backstage/core-components';
import { GreetingsCard } from './GreetingsCard';

/** The page that the plugin's route shows. */
export const GreetingsPage = () => (
  <Page themeId="tool">
    <Header title="Greetings" subtitle="In every language that we know" />
    <Content>
      <GreetingsCard />
    </Content>
  </Page>
);
