// SPDX-License-Identifier: MIT
// What tests of actors need: not part of <grove/actors.hpp>, as programs do not.
#pragma once

#include <grove/actors/testing/held_messages.hpp>
#include <grove/actors/testing/probe.hpp>
#include <grove/actors/testing/probe_base.hpp>
#include <grove/actors/testing/test_kit.hpp>
