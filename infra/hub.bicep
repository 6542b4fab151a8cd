// What the app owns, in one resource group. Called by main.bicep only; its parameters are explained there.

param token string
param location string
param tags object
param deployerId string
param deployerType string
param subscriptionIds array
param modeCeiling string
@secure()
param teamsWebhook string
param desiredState string
param signInClientId string
param sweepSchedule string
param pythonVersion string
param instanceMemoryMB int
param alertEmail string
param logDays int
param ledgerDays int
param storageSku string

module identities 'app/identities.bicep' = {
  name: 'apimend-identities'
  params: { token: token, location: location, tags: tags }
}

module monitoring 'app/monitoring.bicep' = {
  name: 'apimend-monitoring'
  params: { token: token, location: location, tags: tags, logDays: logDays }
}

module storage 'app/storage.bicep' = {
  name: 'apimend-storage'
  params: { token: token, location: location, tags: tags, storageSku: storageSku }
}

module topic 'app/topic.bicep' = {
  name: 'apimend-topic'
  params: { token: token, location: location, tags: tags }
}

module vault 'app/vault.bicep' = {
  name: 'apimend-vault'
  params: {
    token: token
    location: location
    tags: tags
    teamsWebhook: teamsWebhook
    settingsPrincipalId: identities.outputs.settingsPrincipalId
  }
}

module access 'app/access.bicep' = {
  name: 'apimend-access'
  params: {
    storageName: storage.outputs.name
    insightsName: monitoring.outputs.insightsName
    topicName: topic.outputs.name
    appPrincipalId: identities.outputs.appPrincipalId
    eventsPrincipalId: identities.outputs.eventsPrincipalId
    deployerId: deployerId
    deployerType: deployerType
  }
}

var desiredStateUrl = empty(desiredState) ? '${storage.outputs.blobUrl}desired-state/desired.yaml' : desiredState

module app 'app/function.bicep' = {
  name: 'apimend-function'
  params: {
    token: token
    location: location
    tags: tags
    subscriptionIds: subscriptionIds
    modeCeiling: modeCeiling
    webhookSecretUri: vault.outputs.webhookSecretUri
    desiredStateUrl: desiredStateUrl
    signInClientId: signInClientId
    sweepSchedule: sweepSchedule
    ledgerDays: ledgerDays
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    appIdentityId: identities.outputs.appId
    appClientId: identities.outputs.appClientId
    settingsIdentityId: identities.outputs.settingsId
    blobUrl: storage.outputs.blobUrl
    queueUrl: storage.outputs.queueUrl
    tableUrl: storage.outputs.tableUrl
    insightsConnectionString: monitoring.outputs.insightsConnectionString
    topicEndpoint: topic.outputs.endpoint
  }
  // The app reads its package and its first settings as soon as it is there.
  dependsOn: [access]
}

module watch 'app/watch.bicep' = {
  name: 'apimend-watch'
  params: { token: token, location: location, tags: tags, workspaceId: monitoring.outputs.workspaceId, alertEmail: alertEmail }
}

output appPrincipalId string = identities.outputs.appPrincipalId
output appClientId string = identities.outputs.appClientId
output eventsIdentityId string = identities.outputs.eventsId
output functionAppId string = app.outputs.id
output functionAppName string = app.outputs.name
output functionAppUrl string = app.outputs.url
output storageId string = storage.outputs.id
output storageName string = storage.outputs.name
output actionGroupId string = watch.outputs.actionGroupId
output desiredStateUrl string = desiredStateUrl
