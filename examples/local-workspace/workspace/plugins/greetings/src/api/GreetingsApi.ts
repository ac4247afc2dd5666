import {
  createApiRef,
  type DiscoveryApi,
  type FetchApi,
} from '@backstage/core-plugin-api';
import type {
  Greeting,
  GreetingsResponse,
} from '@plugin-factory-example/plugin-greetings-common';

/** What the page needs from the greetings backend. */
export interface GreetingsApi {
  /** Returns a greeting in every language that the backend knows. */
  greet(name: string): Promise<Greeting[]>;
}

export const greetingsApiRef = createApiRef<GreetingsApi>({
  id: 'plugin.greetings.service',
});

/** The greetings backend, over HTTP. */
export class GreetingsClient implements GreetingsApi {
  readonly #discoveryApi: DiscoveryApi;
  readonly #fetchApi: FetchApi;

  constructor(options: { discoveryApi: DiscoveryApi; fetchApi: FetchApi }) {
    this.#discoveryApi = options.discoveryApi;
    this.#fetchApi = options.fetchApi;
  }

  async greet(name: string): Promise<Greeting[]> {
    const baseUrl = await this.#discoveryApi.getBaseUrl('greetings');
    const response = await this.#fetchApi.fetch(
      `${baseUrl}/greetings?${new URLSearchParams({ name })}`,
    );
    if (!response.ok) {
      throw new Error(
        `The greetings backend answered ${response.status} ${response.statusText}`,
      );
    }
    const { greetings }: GreetingsResponse = await response.json();
    return greetings;
  }
}
