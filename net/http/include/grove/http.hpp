// SPDX-License-Identifier: MIT
// All of grove::http but json.hpp, which brings Boost.JSON with it.
#pragma once

#include <grove/http/access_log.hpp>
#include <grove/http/authorization.hpp>
#include <grove/http/client.hpp>
#include <grove/http/cookie.hpp>
#include <grove/http/error.hpp>
#include <grove/http/event_stream.hpp>
#include <grove/http/fields.hpp>
#include <grove/http/gzip.hpp>
#include <grove/http/histogram.hpp>
#include <grove/http/json_error.hpp>
#include <grove/http/json_options.hpp>
#include <grove/http/limits.hpp>
#include <grove/http/metrics.hpp>
#include <grove/http/multipart.hpp>
#include <grove/http/query.hpp>
#include <grove/http/request.hpp>
#include <grove/http/request_head.hpp>
#include <grove/http/response.hpp>
#include <grove/http/response_head.hpp>
#include <grove/http/router.hpp>
#include <grove/http/server.hpp>
#include <grove/http/static_files.hpp>
#include <grove/http/websocket.hpp>
#include <grove/net.hpp>
