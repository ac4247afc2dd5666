'use strict';

exports.one = 'pong says one';
