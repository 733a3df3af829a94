%% SPDX-License-Identifier: MIT
%% erl +S 1:1 -noshell -pa FOLDER -run micro main ROW: what bench/actors measures, with processes;
%% prints "ROW Erlang VALUE UNIT".
-module(micro).
-export([main/1]).

main([Row]) ->
    {Value, Unit} = measure(Row),
    io:format("~s Erlang ~.2f ~s~n", [Row, float(Value), Unit]),
    halt(0).

measure("yield") -> yield(1000000);
measure("spawn") -> spawn_join(200000);
measure("message") -> message(500000);
measure("many_to_one") -> crowd(100000, 1);
measure("many_to_one_two_cores") -> crowd(100000, 1);
measure("many_to_one_bursts") -> crowd(10, 2000);
measure("fan_in") -> crowd(900, 40);
measure("skynet") -> skynet(1000000);
measure("spawn_actor") -> spawn_actor(3000);
measure("idle_actors") -> idle_actors(1000000).

now_ns() -> erlang:monotonic_time(nanosecond).
ns_each(Start, Count) -> {(now_ns() - Start) / Count, "ns"}.

%% Two processes give way to each other.
yield(Each) ->
    Self = self(),
    Start = now_ns(),
    [spawn(fun() -> give_way(Each), Self ! done end) || _ <- [1, 2]],
    [receive done -> ok end || _ <- [1, 2]],
    ns_each(Start, 2 * Each).
give_way(0) -> ok;
give_way(N) -> erlang:yield(), give_way(N - 1).

%% One process after the other, each of which hands over a value.
spawn_join(Count) ->
    Start = now_ns(),
    spawn_each(Count),
    ns_each(Start, Count).
spawn_each(0) -> ok;
spawn_each(N) ->
    Self = self(),
    spawn(fun() -> Self ! {value, 1} end),
    receive {value, 1} -> ok end,
    spawn_each(N - 1).

%% Two processes, each of which answers the other.
message(Trips) ->
    Other = spawn_link(fun pong/0),
    Start = now_ns(),
    ping(Other, Trips),
    ns_each(Start, 2 * Trips).
ping(_, 0) -> ok;
ping(Other, N) ->
    Other ! {ping, self(), N},
    receive {pong, N} -> ping(Other, N - 1) end.
pong() ->
    receive {ping, From, N} -> From ! {pong, N}, pong() end.

%% A hundred senders to one receiver, again when all has arrived.
crowd(Each, Rounds) ->
    Self = self(),
    Receiver = spawn_link(fun() ->
        receive {senders, Senders} -> rounds(Senders, Each, Rounds) end,
        Self ! done
    end),
    Senders = [spawn_link(fun() -> sender(Receiver, Each) end) || _ <- lists:seq(1, 100)],
    Start = now_ns(),
    Receiver ! {senders, Senders},
    receive done -> ok end,
    ns_each(Start, 100 * Each * Rounds).
rounds(_, _, 0) -> ok;
rounds(Senders, Each, Rounds) ->
    [Sender ! go || Sender <- Senders],
    take(length(Senders) * Each),
    rounds(Senders, Each, Rounds - 1).
take(0) -> ok;
take(N) -> receive {item, 1} -> take(N - 1) end.
sender(Receiver, Each) ->
    receive go -> send(Receiver, Each), sender(Receiver, Each) end.
send(_, 0) -> ok;
send(Receiver, N) -> Receiver ! {item, 1}, send(Receiver, N - 1).

%% A tree with a million leaves, summed up.
skynet(Leaves) ->
    Self = self(),
    Start = now_ns(),
    spawn_link(fun() -> node(Self, 0, Leaves) end),
    Wanted = Leaves * (Leaves - 1) div 2,
    receive Wanted -> {(now_ns() - Start) / 1.0e6, "ms"} end.
node(Parent, First, 1) -> Parent ! First;
node(Parent, First, Leaves) ->
    Self = self(),
    Part = Leaves div 10,
    [spawn(fun() -> node(Self, First + I * Part, Part) end) || I <- lists:seq(0, 9)],
    Parent ! sum(10, 0).
sum(0, Sum) -> Sum;
sum(N, Sum) -> receive Value -> sum(N - 1, Sum + Value) end.

%% 64 at a time are made, get a message and end; they run in turn, so that the last one speaks for
%% all of them.
spawn_actor(Batches) ->
    Start = now_ns(),
    breed(Batches),
    ns_each(Start, 64 * Batches).
breed(0) -> ok;
breed(N) ->
    [spawn(fun mayfly/0) ! {item, 1} || _ <- lists:seq(1, 63)],
    spawn(fun mayfly/0) ! {last, self()},
    receive done -> breed(N - 1) end.
mayfly() ->
    receive
        {item, 1} -> ok;
        {last, Parent} -> Parent ! done
    end.

%% A million processes that have had a message and wait for the next.
idle_actors(Population) ->
    Self = self(),
    Before = resident_bytes(),
    All = [begin P = spawn(fun() -> idle(Self) end), P ! {item, 1}, P end || _ <- lists:seq(1, Population)],
    [receive seen -> ok end || _ <- All],
    {(resident_bytes() - Before) / length(All), "bytes"}.
idle(Parent) ->
    receive {item, 1} -> Parent ! seen, idle(Parent) end.
resident_bytes() ->
    {ok, Statm} = file:read_file("/proc/self/statm"),
    list_to_integer(lists:nth(2, string:lexemes(binary_to_list(Statm), " "))) * 4096.
