import type { GreetingsResponse } from '@plugin-factory-example/plugin-greetings-common';
import type { Router as ExpressRouter } from 'express';
import Router from 'express-promise-router';
import type { Phrasebook } from './Phrasebook';

/** Returns the routes that the plugin serves under `/api/greetings`. */
export function createRouter(options: {
  phrasebook: Phrasebook;
  languages?: string[];
}): ExpressRouter {
  const { phrasebook, languages } = options;
  const router = Router();

  router.get('/greetings', (request, response) => {
    const { name } = request.query;
    const body: GreetingsResponse = {
      greetings: phrasebook.greet(
        typeof name === 'string' ? name : undefined,
        languages,
      ),
    };
    response.json(body);
  });

  return router;
}
