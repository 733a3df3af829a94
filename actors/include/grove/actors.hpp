// SPDX-License-Identifier: MIT
// Everything of grove::actors, and of grove::hub, which it stands on.
#pragma once

#include <grove/actors/actor.hpp>
#include <grove/actors/actor_ref.hpp>
#include <grove/actors/actor_system.hpp>
#include <grove/actors/add_actor.hpp>
#include <grove/actors/api.hpp>
#include <grove/actors/ask_all.hpp>
#include <grove/actors/ask_first.hpp>
#include <grove/actors/busy_sampling.hpp>
#include <grove/actors/dead_letters.hpp>
#include <grove/actors/down.hpp>
#include <grove/actors/errors.hpp>
#include <grove/actors/exit_reason.hpp>
#include <grove/actors/forward.hpp>
#include <grove/actors/inbox.hpp>
#include <grove/actors/message.hpp>
#include <grove/actors/place.hpp>
#include <grove/actors/registry.hpp>
#include <grove/actors/result.hpp>
#include <grove/actors/router.hpp>
#include <grove/actors/snapshot.hpp>
#include <grove/actors/spawn.hpp>
#include <grove/actors/supervisor.hpp>
#include <grove/actors/tell_timer.hpp>
#include <grove/actors/topic.hpp>
#include <grove/actors/trace.hpp>
#include <grove/actors/work_queue.hpp>
#include <grove/hub.hpp>
