// Components of plugins where they are mounted, and what becomes of each.

import React from 'react';
import { describe, note } from './notes';

/** Tells what a component throws as its plugin's failure; what is around it stays. */
class Boundary extends React.Component {
  state = { message: '' };

  static getDerivedStateFromError(error) {
    return { message: describe(error) };
  }

  componentDidCatch(error) {
    note('problems', { plugin: this.props.plugin, message: `${this.props.id}: ${describe(error)}` });
  }

  render() {
    return this.state.message ? <p role="alert">{this.state.message}</p> : this.props.children;
  }
}

// The sizes that a layout may name, as MUI's sx has them, for a window of 1280 pixels.
const SIZES = ['lg', 'md', 'sm', 'xs'];

function readStyle(layout) {
  return Object.fromEntries(
    Object.entries(layout ?? {}).map(([name, value]) => [
      name,
      value && typeof value === 'object'
        ? value[SIZES.find(size => value[size] !== undefined)]
        : value,
    ]),
  );
}

/** The name of something mounted, as it is told. */
export function nameMount(entry) {
  const export_ = entry.importName ?? 'default';
  return `${entry.path ?? entry.mountPoint}: ${export_}`;
}

/** A component of a plugin, in an element that is known by its name. */
export function mount(entry, key) {
  const Component = entry.value;
  const id = nameMount(entry);
  return (
    <div key={key} data-trial-mount={id} style={readStyle(entry.config?.layout)}>
      <Boundary plugin={entry.plugin} id={id}>
        <Component {...entry.config?.props} />
      </Boundary>
    </div>
  );
}
