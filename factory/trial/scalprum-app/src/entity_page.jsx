// The page of an entity: the tabs that RHDH has, those of the configuration, and what is mounted.

import { catalogApiRef } from '@backstage/plugin-catalog-react';
import {
  EntityAboutCard,
  EntityLayout,
  EntitySwitch,
} from '@backstage/plugin-catalog';
import { useApi } from '@backstage/core-plugin-api';
import React from 'react';
import { mount, nameMount } from './mounts';
import { note } from './notes';

const OVERVIEW = 'entity.page.overview';
// RHDH's documentation, "Customizing and Adding Entity tabs".
const TABS = [
  ['/', 'Overview', OVERVIEW],
  ['/topology', 'Topology', 'entity.page.topology'],
  ['/issues', 'Issues', 'entity.page.issues'],
  ['/pr', 'Pull/Merge Requests', 'entity.page.pull-requests'],
  ['/ci', 'CI', 'entity.page.ci'],
  ['/cd', 'CD', 'entity.page.cd'],
  ['/kubernetes', 'Kubernetes', 'entity.page.kubernetes'],
  ['/image-registry', 'Image Registry', 'entity.page.image-registry'],
  ['/monitoring', 'Monitoring', 'entity.page.monitoring'],
  ['/lighthouse', 'Lighthouse', 'entity.page.lighthouse'],
  ['/api', 'Api', 'entity.page.api'],
  ['/dependencies', 'Dependencies', 'entity.page.dependencies'],
  ['/docs', 'Docs', 'entity.page.docs'],
  ['/definition', 'Definition', 'entity.page.definition'],
  ['/system', 'Diagram', 'entity.page.diagram'],
];
const GRID = { display: 'grid', gridTemplateColumns: 'repeat(12, 1fr)', gap: 24 };

function includesText(wanted, text) {
  const all = [wanted].flat().map(one => String(one).toLowerCase());
  return all.includes(String(text ?? '').toLowerCase());
}

function makeTest(condition, entry) {
  if (typeof condition === 'string') {
    const test = entry.modules[entry.module ?? 'PluginRoot']?.[condition];
    if (typeof test !== 'function') {
      const message = `${entry.way}.config.if: the module exports no function ${condition}`;
      note('problems', { plugin: entry.plugin, message });
      return () => false;
    }
    return test;
  }
  if (condition?.isKind) {
    return entity => includesText(condition.isKind, entity.kind);
  }
  if (condition?.isType) {
    return entity => includesText(condition.isType, entity.spec?.type);
  }
  if (condition?.hasAnnotation) {
    return entity =>
      [condition.hasAnnotation].flat().every(one => entity.metadata.annotations?.[one] !== undefined);
  }
  const message = `${entry.way}.config.if: there is no condition ${JSON.stringify(condition)}`;
  note('problems', { plugin: entry.plugin, message });
  return () => false;
}

/** Returns the test that says of an entity whether something mounted shows on its page. */
function makeCondition(entry) {
  const written = entry.config?.if ?? {};
  const tests = name => (written[name] ?? []).map(one => makeTest(one, entry));
  const [all, any, one] = ['allOf', 'anyOf', 'oneOf'].map(tests);
  return entity => {
    const holds = test => Boolean(test(entity));
    return (
      all.every(holds) &&
      (!any.length || any.some(holds)) &&
      (!one.length || one.filter(holds).length === 1)
    );
  };
}

export function listTabs({ entityTabs, mountPoints }) {
  const tabs = new Map(TABS.map(([path, title, point]) => [path, { path, title, point }]));
  for (const { path, title, mountPoint, priority } of entityTabs) {
    tabs.set(path, { path, title, point: mountPoint, priority });
  }
  return [...tabs.values()]
    .filter(tab => !(tab.priority < 0))
    .sort((one, other) => (other.priority ?? 0) - (one.priority ?? 0))
    .map(tab => ({
      ...tab,
      cards: mountPoints
        .filter(entry => entry.mountPoint === `${tab.point}/cards`)
        .map(entry => ({ ...entry, holds: makeCondition(entry) })),
      contexts: mountPoints.filter(entry => entry.mountPoint === `${tab.point}/context`),
    }));
}

/** Returns the element of the entity pages, of which the app reads where plugins' routes are. */
export function makeEntityPage(wiring, tabs) {
  const menu = wiring.mountPoints.filter(entry => entry.mountPoint === 'entity.context.menu');
  return (
    <EntityLayout
      UNSTABLE_extraContextMenuItems={menu.map(entry => ({
        title: entry.config?.props?.title ?? entry.importName,
        Icon: () => null,
        onClick: () => {},
      }))}
    >
      {tabs.map(tab => (
        <EntityLayout.Route
          key={tab.path}
          path={tab.path}
          title={tab.title}
          if={entity => tab.point === OVERVIEW || tab.cards.some(card => card.holds(entity))}
        >
          {tab.contexts.reduce(
            (children, { value: Context }) => (
              <Context>{children}</Context>
            ),
            <div style={GRID}>
              {tab.point === OVERVIEW && (
                <div style={{ gridColumn: 'span 6' }}>
                  <EntityAboutCard variant="gridItem" />
                </div>
              )}
              {tab.cards.map((card, number) => (
                <EntitySwitch key={number}>
                  <EntitySwitch.Case if={card.holds}>{mount(card)}</EntitySwitch.Case>
                </EntitySwitch>
              ))}
            </div>,
          )}
        </EntityLayout.Route>
      ))}
    </EntityLayout>
  );
}

function addressOf({ kind, metadata }, tab) {
  const parts = [metadata.namespace ?? 'default', kind, metadata.name];
  const path = tab.path === '/' ? '' : tab.path;
  return `/catalog/${parts.join('/').toLowerCase()}${path}`;
}

/** Notes, once the catalog is read, on which entity's page each card is to be seen. */
export function EntityPageNotes({ tabs }) {
  const catalog = useApi(catalogApiRef);
  React.useEffect(() => {
    const cards = tabs.flatMap(tab => tab.cards.map(card => ({ card, tab })));
    if (!cards.length) {
      return;
    }
    catalog.getEntities({ limit: 200 }).then(({ items }) => {
      const order = ['Component', 'API', 'System', 'Resource', 'Group', 'User'];
      const rank = ({ kind }) => (order.indexOf(kind) + 1 || order.length + 1);
      const entities = [...items].sort((one, other) => rank(one) - rank(other));
      for (const { card, tab } of cards) {
        const entity = entities.find(card.holds);
        const id = nameMount(card);
        note('extensions', { id, plugin: card.plugin, path: entity ? addressOf(entity, tab) : '' });
        if (!entity) {
          const message = `${id}: its condition holds for no entity of the catalog`;
          note('left', { plugin: card.plugin, message });
        }
      }
    });
  }, [catalog, tabs]);
  return null;
}

/** Returns the mount points that neither an entity's tab nor the app has. */
export function listUnknownPoints(wiring, tabs) {
  const known = new Set(
    tabs.flatMap(({ point }) => [`${point}/cards`, `${point}/context`, point]),
  );
  return wiring.mountPoints.filter(
    entry => !known.has(entry.mountPoint) && entry.mountPoint !== 'entity.context.menu',
  );
}

