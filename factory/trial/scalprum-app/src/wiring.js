// What dynamicPlugins.frontend of the configuration says, in the form of RHDH's documentation
// ("Front-end plugin wiring"), with what it names taken out of the plugins' Scalprum modules.

import { getScalprum, initSharedScope, initialize, processManifest } from '@scalprum/core';
import { describe, note } from './notes';

const MAIN_MODULE = 'PluginRoot';
const LISTS = ['dynamicRoutes', 'mountPoints', 'apiFactories', 'appIcons', 'themes'];
const MORE_LISTS = ['translationResources', 'entityTabs'];
// What RHDH has places for, and this app has none.
const LEFT = [
  'analyticsApiExtensions',
  'providerSettings',
  'scaffolderFieldExtensions',
  'signInPage',
  'techdocsAddons',
];

function listEntries(wiring, name) {
  const entries = wiring?.[name];
  return (Array.isArray(entries) ? entries : []).map((entry, number) => ({
    ...entry,
    way: `${name}[${number}]`,
  }));
}

function listModules(wiring) {
  const named = LISTS.concat('translationResources').flatMap(name => listEntries(wiring, name));
  const targets = wiring?.routeBindings?.targets ?? [];
  const modules = [...named, ...targets].map(entry => entry.module ?? MAIN_MODULE);
  return [...new Set([MAIN_MODULE, ...modules])];
}

/** Loads a module; undefined, and a note of why, where there is none. */
async function loadModule(plugin, module, isNamed) {
  const noted = { package: plugin.packageName, module, plugin: plugin.name, problem: '' };
  try {
    await processManifest(plugin.manifestLocation, plugin.name, module);
    const loaded = await getScalprum().pluginStore.getExposedModule(plugin.name, module);
    note('modules', noted);
    return loaded;
  } catch (error) {
    if (isNamed) {
      const problem = `it cannot be loaded: ${describe(error)}`;
      note('modules', { ...noted, plugin: '', problem });
      note('problems', { plugin: plugin.name, message: `module "${module}": ${describe(error)}` });
    }
    return undefined;
  }
}

/** Returns what an entry names, and a note of why it is left out where it is not there. */
function takeExport(plugin, modules, entry, name = entry.importName ?? 'default') {
  const module = entry.module ?? MAIN_MODULE;
  const found = modules[module]?.[name];
  if (found === undefined && modules[module]) {
    const known = Object.keys(modules[module]).sort().join(', ') || 'nothing';
    const message = `${entry.way}: module "${module}" exports no ${name}; it exports ${known}`;
    note('problems', { plugin: plugin.name, message });
  }
  return found;
}

async function readPlugin(plugin, wiring) {
  const modules = {};
  const isMainNamed = JSON.stringify(wiring ?? {}).includes('importName');
  for (const module of listModules(wiring)) {
    const isNamed = module !== MAIN_MODULE || isMainNamed;
    const loaded = await loadModule(plugin, module, isNamed);
    if (loaded) {
      modules[module] = loaded;
    }
  }
  const take = (entry, name) => takeExport(plugin, modules, entry, name);
  const found = {};
  for (const list of LISTS) {
    found[list] = listEntries(wiring, list)
      .map(entry => ({ ...entry, plugin: plugin.name, value: take(entry), modules }))
      .filter(entry => entry.value !== undefined);
  }
  for (const list of MORE_LISTS) {
    found[list] = listEntries(wiring, list).map(entry => ({ ...entry, plugin: plugin.name }));
  }
  found.translationResources = found.translationResources
    .map(entry => ({ ...entry, value: take(entry) }))
    .filter(entry => entry.value !== undefined);
  found.menuItems = Object.entries(wiring?.menuItems ?? {}).map(([name, item]) => ({
    ...item,
    name,
    plugin: plugin.name,
  }));
  found.routeBindings = {
    targets: (wiring?.routeBindings?.targets ?? []).map((entry, number) => ({
      name: entry.name ?? entry.importName,
      value: take({ ...entry, way: `routeBindings.targets[${number}]` }),
    })),
    bindings: wiring?.routeBindings?.bindings ?? [],
  };
  found.plugins = Object.values(modules)
    .flatMap(module => Object.values(module))
    .filter(value => typeof value?.getApis === 'function' && typeof value?.getId === 'function');
  for (const name of LEFT) {
    if (wiring?.[name]) {
      note('left', { plugin: plugin.name, message: `${name}: this app has no place for it` });
    }
  }
  return found;
}

/**
 * Loads the Scalprum plugins that the configuration mounts, and returns all that they bring in
 * lists by its fields: each entry with the plugin's name, where it stands, and its `value`.
 */
export async function loadWiring(served, frontend) {
  await initSharedScope();
  const scalprum = initialize({
    appsConfig: served,
    api: {},
    pluginLoaderOptions: {
      transformPluginManifest: manifest => {
        const base = new URL(`/api/scalprum/${manifest.name}/`, window.location.origin).href;
        const loadScripts = manifest.loadScripts.map(script => new URL(script, base).href);
        return { ...manifest, baseURL: base, loadScripts };
      },
    },
  });
  const all = [];
  for (const plugin of Object.values(served)) {
    if (frontend?.[plugin.name] === undefined) {
      const problem = `nothing of it is mounted: dynamicPlugins.frontend has no ${plugin.name}`;
      note('modules', { package: plugin.packageName, module: MAIN_MODULE, plugin: '', problem });
    } else {
      all.push(await readPlugin(plugin, frontend[plugin.name]));
    }
  }
  const lists = [...LISTS, ...MORE_LISTS, 'menuItems', 'plugins'];
  const joined = Object.fromEntries(lists.map(list => [list, all.flatMap(one => one[list])]));
  joined.routeBindings = {
    targets: all.flatMap(one => one.routeBindings.targets),
    bindings: all.flatMap(one => one.routeBindings.bindings),
  };
  return { scalprum, wiring: joined };
}
