// SPDX-License-Identifier: MIT
// Everything of grove::hub: greenlets, the loop, time, and what greenlets wait for.
#pragma once

#include <grove/hub/async_result.hpp>
#include <grove/hub/deadline.hpp>
#include <grove/hub/descriptor.hpp>
#include <grove/hub/event.hpp>
#include <grove/hub/exceptions.hpp>
#include <grove/hub/greenlet.hpp>
#include <grove/hub/greenlet_local.hpp>
#include <grove/hub/hub.hpp>
#include <grove/hub/hub_thread.hpp>
#include <grove/hub/join.hpp>
#include <grove/hub/main.hpp>
#include <grove/hub/queue.hpp>
#include <grove/hub/random.hpp>
#include <grove/hub/simulation.hpp>
#include <grove/hub/timeout.hpp>
#include <grove/hub/tree_local.hpp>
#include <grove/hub/wait.hpp>
#include <grove/hub/wait_any.hpp>
