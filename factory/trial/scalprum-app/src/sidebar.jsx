// The sidebar: an item for each route that wants one, ordered and nested as menuItems has it.

import { Sidebar, SidebarItem } from '@backstage/core-components';
import { useApp } from '@backstage/core-plugin-api';
import React from 'react';

const DEEPEST = 3;

/** Returns the items, by name: what the routes say of them, and over it what menuItems says. */
function listItems({ dynamicRoutes, menuItems }) {
  const items = new Map();
  for (const route of dynamicRoutes.filter(one => one.menuItem)) {
    const name = route.path.replace(/^\/+|\/+$/g, '').replaceAll('/', '.');
    const { text, icon, enabled, importName, config } = route.menuItem;
    const Own = importName && route.modules[route.menuItem.module ?? 'PluginRoot']?.[importName];
    const props = { ...config?.props, ...route.config?.props };
    items.set(name, { name, title: text, icon, enabled, to: route.path, Own, props });
  }
  for (const { name, plugin, ...item } of menuItems) {
    items.set(name, { name, ...items.get(name), ...item });
  }
  return [...items.values()].filter(item => item.enabled !== false);
}

function Item({ item, items, depth }) {
  const app = useApp();
  const Icon = (item.icon && app.getSystemIcon(item.icon)) || (() => null);
  const below = items.filter(one => one.parent === item.name);
  return (
    <>
      {item.Own ? (
        <item.Own to={item.to} {...item.props} />
      ) : (
        <SidebarItem icon={Icon} text={item.title ?? item.name} to={item.to} />
      )}
      {depth < DEEPEST && <Items items={items} list={below} depth={depth + 1} />}
    </>
  );
}

function Items({ items, list, depth }) {
  const ordered = [...list].sort((one, other) => (other.priority ?? 0) - (one.priority ?? 0));
  return ordered.map(item => <Item key={item.name} item={item} items={items} depth={depth} />);
}

export function Menu({ wiring }) {
  const app = useApp();
  const items = listItems(wiring);
  const names = new Set(items.map(item => item.name));
  const CatalogIcon = app.getSystemIcon('catalog') ?? (() => null);
  return (
    <Sidebar>
      <SidebarItem icon={CatalogIcon} text="Catalog" to="/catalog" />
      <Items items={items} list={items.filter(one => !names.has(one.parent))} depth={1} />
    </Sidebar>
  );
}
