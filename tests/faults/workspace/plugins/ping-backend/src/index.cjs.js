'use strict';

const ms = require('ms');
const { one } = require('./one.js');
const { two } = require('./two.js');
const { three } = require('./three.js');

module.exports = {
  default: {
    $$type: '@backstage/BackendFeature',
    version: 'v1',
    featureType: 'registrations',
    getRegistrations: () => [],
    said: [one, two, three, ms('1s')],
  },
};
