// SPDX-License-Identifier: MIT
// Everything of grove::actors, and of grove::hub, which it stands on.
#pragma once

#include <grove/actors/actor.hpp>
#include <grove/actors/actor_ref.hpp>
#include <grove/actors/down.hpp>
#include <grove/actors/errors.hpp>
#include <grove/actors/exit_reason.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/actors/supervisor.hpp>
#include <grove/hub.hpp>
