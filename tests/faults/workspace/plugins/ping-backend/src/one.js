'use strict';

exports.one = 'ping says one';
